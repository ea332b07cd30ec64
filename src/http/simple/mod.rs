//! The simple contract: a client POSTs its credentials and gets a token; a microservice POSTs the
//! token and gets its claims.
