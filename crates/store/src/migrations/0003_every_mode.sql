-- what a pool adds: scopes, claims, fields
ALTER TABLE pool ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE pool ADD COLUMN settings_version {int} NOT NULL DEFAULT 1;

-- signed user info
ALTER TABLE application ADD COLUMN userinfo_alg TEXT;

-- requests: claims, acr and amr
ALTER TABLE session ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE user_grant ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE user_grant ADD COLUMN claims TEXT;
ALTER TABLE consent ADD COLUMN claims TEXT NOT NULL DEFAULT '[]';

-- client assertions: those that were used
CREATE TABLE assertion_jti (
    pool_id TEXT NOT NULL,
    key {bytes} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, key)
) {clustered};
CREATE INDEX assertion_jti_expires_at ON assertion_jti (expires_at);

-- single sign-on
ALTER TABLE login_transaction ADD COLUMN trips {int} NOT NULL DEFAULT 0;
ALTER TABLE login_transaction ADD COLUMN pool_browser {bytes};
ALTER TABLE login_transaction ADD COLUMN ticket {bytes};
ALTER TABLE login_transaction ADD COLUMN ticket_session {bytes};
ALTER TABLE login_transaction ADD COLUMN ticket_expires_at {int};

-- logout
ALTER TABLE application ADD COLUMN backchannel_logout {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE user_grant ADD COLUMN sid {bytes};
CREATE TABLE logout_notice (
    pool_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sid {bytes} NOT NULL,
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    due_at {int} NOT NULL,
    tries {int} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, app_id, sid, issuer)
) {clustered};
CREATE INDEX logout_notice_due ON logout_notice (pool_id, app_id, due_at);
CREATE INDEX logout_notice_expires_at ON logout_notice (expires_at);
