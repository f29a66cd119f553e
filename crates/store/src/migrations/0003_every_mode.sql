ALTER TABLE pool ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- custom scopes and claims

-- requests: claims, acr and amr

-- client assertions and request objects

-- single sign-on
ALTER TABLE login_transaction ADD COLUMN trips {int} NOT NULL DEFAULT 0;
ALTER TABLE login_transaction ADD COLUMN pool_browser {bytes};
ALTER TABLE login_transaction ADD COLUMN ticket {bytes};
ALTER TABLE login_transaction ADD COLUMN ticket_session {bytes};
ALTER TABLE login_transaction ADD COLUMN ticket_expires_at {int};

-- logout
