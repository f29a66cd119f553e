ALTER TABLE pool ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- signed user info
ALTER TABLE application ADD COLUMN userinfo_alg TEXT;

-- custom scopes and claims

-- requests: claims, acr and amr

-- client assertions and request objects

-- single sign-on

-- logout
