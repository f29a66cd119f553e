-- pages of accounts, rules and keys
DROP INDEX account_application;
CREATE INDEX account_application ON account (pool_id, app_id, account_id);
DROP INDEX rule_account;
CREATE INDEX rule_account ON rule (pool_id, app_id, account_id, key);
-- Partial ones: what an issuer publishes is found by its own key.
CREATE INDEX issuer_key_signing ON issuer_key (pool_id, created_at) WHERE state = 'active';
CREATE INDEX issuer_key_to_come ON issuer_key (pool_id, created_at) WHERE state = 'next';
-- which applications have changed
CREATE INDEX application_version ON application (pool_id, app_id, version);
