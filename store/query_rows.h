/* SPDX-License-Identifier: Apache-2.0
 * Private to store/tables.c, once for each query: the arrays of QUERY_NAME from the rows of QUERY_FILE. */
/* clang-format off */
#define FROM(id, sql) static const struct query_from ROWS(QUERY_NAME, from) = {id, sql};
#define FIELD(name, type, sql)
#define FILTER(name, type, sql)
#define SORT(name, sql)
#include QUERY_FILE
#undef FROM
#undef FIELD
#define FROM(id, sql)
#define FIELD(name, type, sql) {name, FIELD_##type, sql},
static const struct field ROWS(QUERY_NAME, field)[] = {
#include QUERY_FILE
};
#undef FIELD
#undef FILTER
#define FIELD(name, type, sql)
#define FILTER(name, type, sql) {name, FILTER_##type, sql},
static const struct filter ROWS(QUERY_NAME, filter)[] = {
#include QUERY_FILE
};
#undef FILTER
#undef SORT
#define FILTER(name, type, sql)
#define SORT(name, sql) {name, sql},
static const struct sort ROWS(QUERY_NAME, sort)[] = {
#include QUERY_FILE
};
#undef FROM
#undef FIELD
#undef FILTER
#undef SORT
#undef QUERY_NAME
#undef QUERY_FILE
