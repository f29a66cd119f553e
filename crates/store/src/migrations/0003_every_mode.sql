ALTER TABLE pool ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- custom scopes and claims
ALTER TABLE pool ADD COLUMN settings_version {int} NOT NULL DEFAULT 1;

-- requests: claims, acr and amr

-- client assertions and request objects

-- single sign-on

-- logout
