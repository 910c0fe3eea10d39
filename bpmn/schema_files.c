/* SPDX-License-Identifier: Apache-2.0
 * The schema of BPMN 2.0 inside the program: bpmn/schema/ as it lies there, taken in by the assembler. */
#include "bpmn/tree.h"

/* Seen from where the compiler runs. */
#ifndef BPMN_SCHEMA_DIR
#define BPMN_SCHEMA_DIR "bpmn/schema"
#endif

#define EMBED(name) \
	__asm__(".pushsection .rodata\n" \
		".globl schema_" #name ", schema_" #name "_end\n" \
		".hidden schema_" #name ", schema_" #name "_end\n" \
		"schema_" #name ":\n" \
		".incbin \"" BPMN_SCHEMA_DIR "/" #name ".xsd\"\n" \
		"schema_" #name "_end:\n" \
		".byte 0\n" \
		".popsection\n"); \
	extern const char schema_##name[] __attribute__((visibility("hidden"))); \
	extern const char schema_##name##_end[] __attribute__((visibility("hidden")))

EMBED(BPMN20);
EMBED(BPMNDI);
EMBED(DC);
EMBED(DI);
EMBED(Semantic);

const struct schema_file schema_files[] = {
	{ "BPMN20.xsd", schema_BPMN20, schema_BPMN20_end },
	{ "BPMNDI.xsd", schema_BPMNDI, schema_BPMNDI_end },
	{ "DC.xsd", schema_DC, schema_DC_end },
	{ "DI.xsd", schema_DI, schema_DI_end },
	{ "Semantic.xsd", schema_Semantic, schema_Semantic_end },
	{ NULL, NULL, NULL },
};
