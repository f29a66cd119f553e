ALTER TABLE pool ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- custom scopes and claims

-- requests: claims, acr and amr
ALTER TABLE session ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE user_grant ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE user_grant ADD COLUMN claims TEXT;
ALTER TABLE consent ADD COLUMN claims TEXT NOT NULL DEFAULT '[]';

-- client assertions and request objects

-- single sign-on

-- logout
