//! How much of anything is accepted. Each bound has one name here and is enforced where the value is parsed.
//!
//! `docs/limits.md` is the table of all of it, and of what the other rooms bound; a test compares the two.

/// Bytes of a query string or form body.
pub const PARAMS_BYTES: usize = 32 * 1024;
/// Number of parameters in one request.
pub const PARAMS_COUNT: usize = 64;
/// Bytes of a parameter's name.
pub const PARAM_NAME_BYTES: usize = 128;
/// Bytes of a parameter's value, decoded.
pub const PARAM_VALUE_BYTES: usize = 16 * 1024;
/// Bytes of `state`.
pub const STATE_BYTES: usize = 4096;
/// Bytes of `nonce`.
pub const NONCE_BYTES: usize = 1024;
/// Bytes of `scope`.
pub const SCOPE_BYTES: usize = 4096;
/// Number of values in `scope`.
pub const SCOPE_COUNT: usize = 128;
/// Scope items of earlier requests that a consent is remembered with.
pub const ITEMS_REMEMBERED: usize = 256;
/// Bytes of `claims`: they are kept with what is granted.
pub const CLAIMS_BYTES: usize = 8 * 1024;
/// Claims asked for one by one, of user info and of the ID token each.
pub const CLAIMS_COUNT: usize = 100;
/// Levels of a value in `claims`.
pub const CLAIMS_DEPTH: usize = 8;
/// Bytes of a resource's code, wherever it stands.
pub const RESOURCE_CODE_BYTES: usize = 64;
/// Bytes of an action's name, wherever it stands.
pub const ACTION_BYTES: usize = 64;
/// Bytes of the identifier of one thing of a resource.
pub const RESOURCE_ID_BYTES: usize = 128;
/// Bytes of an API identifier.
pub const API_IDENTIFIER_BYTES: usize = 512;
/// Resources of one application, or of the pool's own.
pub const RESOURCES_PER_NAMESPACE: usize = 2000;
/// Actions of one resource.
pub const ACTIONS_PER_RESOURCE: usize = 100;
/// Rules of one application.
pub const RULES_PER_APPLICATION: usize = 200_000;
/// Rules of one application about the same subject: a decision looks at each of them for each value that is asked.
pub const RULES_PER_SUBJECT: usize = 500;
/// IP ranges of one rule.
pub const IP_RANGES_PER_RULE: usize = 32;
/// Attributes that one rule compares.
pub const ATTRIBUTES_PER_RULE: usize = 16;
/// Bytes of a redirect URI.
pub const REDIRECT_URI_BYTES: usize = 2048;
/// Bytes of a `request_uri`.
pub const REQUEST_URI_BYTES: usize = 2048;
/// Redirect URIs, logout redirect URIs or web origins of one application, each.
pub const URIS_PER_APPLICATION: usize = 100;
/// Bytes of what a person types as user name, e-mail or phone.
pub const IDENTIFIER_BYTES: usize = 320;
/// Bytes of a password: beyond it hashing would be a way to keep the server busy.
pub const PASSWORD_BYTES: usize = 1024;
/// Bytes of an `Authorization` header.
pub const AUTHORIZATION_BYTES: usize = 20 * 1024;
/// Bytes of all `Cookie` headers of a request together.
pub const COOKIES_BYTES: usize = 32 * 1024;
/// Cookies that are looked at; browsers send those of the narrower path first.
pub const COOKIES_COUNT: usize = 200;
/// Seconds of the longest access token lifetime an application may set: a revocation may have to be kept this long.
pub const ACCESS_TOKEN_EXPIRE_MAX: i64 = 30 * 86_400;
/// Bytes of a user's `extended_fields`, as JSON: they travel in every ID token that asks for them.
pub const EXTENDED_FIELDS_BYTES: usize = 16 * 1024;
/// Levels of tables and lists in a user's `extended_fields` and an application's `constant_claims`; whoever reads the tokens has to read that deep.
pub const EXTENDED_FIELDS_DEPTH: usize = 32;
/// Extended fields that a pool declares.
pub const FIELDS_PER_POOL: usize = 200;
/// Bytes of the name of one.
pub const FIELD_NAME_BYTES: usize = 64;
/// Claims of a pool's own, and claims of one scope.
pub const CLAIMS_PER_POOL: usize = 200;
/// Bytes of the name of one.
pub const CLAIM_NAME_BYTES: usize = 128;
/// Scopes of a pool's own: one request has room for all of them.
pub const SCOPES_PER_POOL: usize = 64;
/// Bytes of the name of one.
pub const SCOPE_NAME_BYTES: usize = 48;
/// Bytes of an application's `constant_claims`, as JSON: they travel in every ID token.
pub const CONSTANT_CLAIMS_BYTES: usize = 4 * 1024;
/// Roles of one user.
pub const ROLES_PER_USER: usize = 200;
/// Groups of one user.
pub const GROUPS_PER_USER: usize = 200;
/// Entries in the access control of one application: each is looked at whenever one of its tokens is.
pub const ACCESS_RULES_PER_APPLICATION: usize = 1000;
/// Bytes of a client's JWK set.
pub const CLIENT_KEYS_BYTES: usize = 64 * 1024;
/// Keys in a client's JWK set.
pub const CLIENT_KEYS_COUNT: usize = 20;
/// Bytes of a word that users are found by; what is typed is compared as far as that.
pub const SEARCH_WORD_BYTES: usize = 64;
/// Words of names that one user is found by.
pub const WORDS_PER_USER: usize = 48;
/// Words of a search that are looked at.
pub const SEARCH_TERMS: usize = 4;
/// Users on one page of a list.
pub const USERS_PER_PAGE: usize = 50;
/// Characters of the heading of an application's sign-in page.
pub const LOGIN_TITLE_CHARS: usize = 60;
/// Characters of the line below it.
pub const LOGIN_TEXT_CHARS: usize = 200;
/// Characters of what the link to an application's help says.
pub const SUPPORT_TEXT_CHARS: usize = 40;
