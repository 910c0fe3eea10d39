-- SPDX-License-Identifier: Apache-2.0
-- After an unclean end a lane notes each job before it runs it: one that ends the daemon twice is not run a third time.
alter table lane add tried bigint not null default 0, add tries int not null default 0;
