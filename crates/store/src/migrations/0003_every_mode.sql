ALTER TABLE pool ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- signed user info
ALTER TABLE application ADD COLUMN userinfo_alg TEXT;

-- custom scopes and claims
ALTER TABLE pool ADD COLUMN settings_version {int} NOT NULL DEFAULT 1;

-- requests: claims, acr and amr
ALTER TABLE session ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE user_grant ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE user_grant ADD COLUMN claims TEXT;
ALTER TABLE consent ADD COLUMN claims TEXT NOT NULL DEFAULT '[]';

-- client assertions and request objects

-- single sign-on

-- logout
