CREATE TABLE installation (
    id {int} NOT NULL CHECK (id = 1),
    key_id {bytes} NOT NULL,
    probe {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    PRIMARY KEY (id)
) {clustered};

CREATE TABLE pool (
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    refresh_key {bytes} NOT NULL,
    csrf_key {bytes} NOT NULL,
    device_key {bytes} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (pool_id)
) {clustered};

CREATE TABLE application (
    app_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    identifier TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled {bool} NOT NULL,
    secret_sealed {bytes},
    settings TEXT NOT NULL,
    id_token_alg TEXT NOT NULL,
    access_token_alg TEXT NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (app_id)
) {clustered};
CREATE UNIQUE INDEX application_identifier ON application (pool_id, identifier);

CREATE TABLE application_origin (
    pool_id TEXT NOT NULL,
    origin TEXT NOT NULL,
    app_id TEXT NOT NULL,
    PRIMARY KEY (pool_id, origin, app_id)
) {clustered};
CREATE INDEX application_origin_application ON application_origin (app_id);

CREATE TABLE pool_user (
    user_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    username TEXT,
    email TEXT,
    email_key TEXT,
    phone TEXT,
    password TEXT,
    blocked {bool} NOT NULL,
    details TEXT NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (user_id)
) {clustered};
CREATE UNIQUE INDEX user_username ON pool_user (pool_id, username);
CREATE UNIQUE INDEX user_email ON pool_user (pool_id, email_key);
CREATE UNIQUE INDEX user_phone ON pool_user (pool_id, phone);

CREATE TABLE issuer_key (
    pool_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    alg TEXT NOT NULL,
    seq {int} NOT NULL,
    kid TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed {bytes} NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (pool_id, issuer, alg, seq)
) {clustered};
CREATE UNIQUE INDEX issuer_key_kid ON issuer_key (pool_id, kid);

CREATE TABLE login_transaction (
    txn_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    app_id TEXT NOT NULL,
    params TEXT NOT NULL,
    browser {bytes},
    session_id {bytes},
    by_login {bool} NOT NULL,
    consent {bool},
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    used_at {int},
    PRIMARY KEY (txn_id)
) {clustered};
CREATE INDEX login_transaction_expires_at ON login_transaction (expires_at);

CREATE TABLE session (
    session_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    hash {bytes} NOT NULL,
    user_id TEXT NOT NULL,
    app_id TEXT,
    auth_time {int} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    ended_at {int},
    PRIMARY KEY (session_id)
) {clustered};
CREATE INDEX session_by_user ON session (pool_id, user_id);
CREATE INDEX session_expires_at ON session (expires_at);

CREATE TABLE consent (
    pool_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    granted_at {int} NOT NULL,
    PRIMARY KEY (pool_id, user_id, app_id)
) {clustered};

CREATE TABLE user_grant (
    grant_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id {bytes} NOT NULL,
    scope TEXT NOT NULL,
    offline {bool} NOT NULL,
    auth_time {int} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    revoked_at {int},
    PRIMARY KEY (grant_id)
) {clustered};
CREATE INDEX user_grant_session ON user_grant (session_id);
CREATE INDEX user_grant_user ON user_grant (pool_id, user_id);
CREATE INDEX user_grant_application ON user_grant (pool_id, app_id);
CREATE INDEX user_grant_expires_at ON user_grant (expires_at);

CREATE TABLE authorization_code (
    code_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    hash {bytes} NOT NULL,
    grant_id {bytes} NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    challenge_method TEXT,
    nonce TEXT,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    consumed_at {int},
    PRIMARY KEY (code_id)
) {clustered};
CREATE INDEX authorization_code_expires_at ON authorization_code (expires_at);

CREATE TABLE refresh_family (
    family_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    grant_id {bytes} NOT NULL,
    generation {int} NOT NULL,
    rotated_at {int} NOT NULL,
    repeats {int} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (family_id)
) {clustered};
CREATE INDEX refresh_family_expires_at ON refresh_family (expires_at);

CREATE TABLE revocation (
    pool_id TEXT NOT NULL,
    key {bytes} NOT NULL,
    revoked_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, key)
) {clustered};
CREATE INDEX revocation_revoked_at ON revocation (pool_id, revoked_at);
CREATE INDEX revocation_expires_at ON revocation (expires_at);

CREATE TABLE attempt (
    pool_id TEXT NOT NULL,
    subject {bytes} NOT NULL,
    failures {int} NOT NULL,
    next_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, subject)
) {clustered};
CREATE INDEX attempt_expires_at ON attempt (expires_at);

CREATE TABLE change (
    change_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at {int} NOT NULL,
    PRIMARY KEY (change_id)
) {clustered};
CREATE INDEX change_at ON change (pool_id, at);
