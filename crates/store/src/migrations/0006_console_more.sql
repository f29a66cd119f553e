-- user pools
-- The default pool has no identifier and no address here: its address is configured. Its host is written down by a
-- server that starts, so that no other pool takes it.
ALTER TABLE pool ADD COLUMN identifier TEXT;
ALTER TABLE pool ADD COLUMN base_url TEXT;
ALTER TABLE pool ADD COLUMN host TEXT;
ALTER TABLE pool ADD COLUMN removed_at {int};
ALTER TABLE pool ADD COLUMN version {int} NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX pool_identifier ON pool (identifier);
CREATE UNIQUE INDEX pool_host ON pool (host);
