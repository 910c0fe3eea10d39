-- SPDX-License-Identifier: Apache-2.0
-- The external tasks that were completed, by Camunda's history: state 2 is "successful" (0 created, 1 failed, 3 deleted).
SELECT ext_task_id_::text FROM act_hi_ext_task_log WHERE state_ = 2
