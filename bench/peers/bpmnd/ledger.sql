-- SPDX-License-Identifier: Apache-2.0
-- External tasks that were completed.  On the wire an external task is its activity's id plus one; only a task that a
-- worker held has a worker, and one that was interrupted is canceled.
select (id + 1)::text from history_activity where worker is not null and not canceled
