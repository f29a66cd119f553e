-- pages of accounts, rules and keys
DROP INDEX account_application;
CREATE INDEX account_application ON account (pool_id, app_id, account_id);
DROP INDEX rule_account;
CREATE INDEX rule_account ON rule (pool_id, app_id, account_id, key);
CREATE INDEX issuer_key_state ON issuer_key (pool_id, state, created_at);
-- which applications have changed
CREATE INDEX application_version ON application (pool_id, app_id, version);
