ALTER TABLE pool ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- custom scopes and claims

-- requests: claims, acr and amr

-- client assertions and request objects

-- single sign-on

-- logout
