//! The examples of `docs/proxies`, each in its real proxy, between a caller and a small service and with a
//! token-server behind `/verify`. What a proxy must keep is in `promises`, the same for all of them. `scripts/interop`
//! runs them.

mod balancer;
mod bound;
mod caddy;
mod ends_tls;
mod envoy;
mod examples;
mod haproxy;
pub(crate) mod kubernetes;
mod nginx;
mod promises;
mod scene;
mod source;
mod traefik;
mod yaml;

/// Every promise as a test of its own, for one proxy.
macro_rules! keeps_every_promise {
    ($proxy:expr, $ignored:meta) => {
        crate::proxies::keeps! { @each $proxy, (#[$ignored])
            identity {
                a_good_token_passes_and_its_identity_arrives
                forged_identity_headers_do_not_arrive
                no_header_of_that_kind_arrives_that_verify_did_not_give
                forged_identity_headers_do_not_arrive_when_the_answer_has_none
                a_caller_cannot_have_identity_headers_taken_out
                of_two_tokens_only_the_verified_one_arrives
            }
            claims {
                claims_at_the_limit_arrive_whole
                claims_over_the_limit_are_refused
                a_token_without_the_claim_is_refused
                beside_a_large_head_all_of_them_arrive_or_nothing
            }
            heads {
                a_head_may_be_as_large_as_documented
            }
            refusals {
                without_a_token_the_caller_is_challenged
                a_bad_token_is_refused_as_invalid
                a_token_for_another_audience_is_refused
                a_missing_scope_is_refused_and_named
                other_refusals_keep_their_meaning
                the_services_own_refusals_are_left_alone
            }
            token_server {
                bodies_and_cookies_arrive_and_are_not_shown_to_verify
                an_upload_of_two_megabytes_arrives_whole
                nothing_passes_while_the_token_server_is_down
                a_token_server_with_another_ca_is_not_believed
                a_token_server_with_another_name_is_not_believed
                connections_to_the_token_server_are_kept
            }
            stolen {
                a_token_bound_to_a_key_is_worth_nothing_without_it
                a_token_bound_to_a_certificate_is_worth_nothing_without_it
            }
        }
    };
}
use keeps_every_promise;

/// The same for what the examples in `bound` promise beyond that.
macro_rules! keeps_every_promise_of_bound_tokens {
    ($proxy:expr, $ignored:meta) => {
        crate::proxies::keeps! { @each $proxy, (#[$ignored])
            dpop {
                with_a_good_proof_it_passes
                a_proof_is_good_once
                a_proof_of_something_else_is_refused
                the_nonce_reaches_the_caller
                a_callers_own_word_about_its_request_is_not_heard
                a_proof_for_another_host_is_refused_whatever_host_is_named
                of_two_proofs_only_the_verified_one_arrives
            }
            certificates {
                with_its_certificate_it_passes_also_on_resumed_sessions
                a_large_certificate_is_handed_on
                a_callers_own_word_about_its_certificate_is_not_heard
                rubbish_in_its_place_harms_nobody
                bound_to_both_it_needs_both
            }
            hostile {
                no_trick_in_a_head_makes_a_proof_good_for_another_path
                an_oversized_proof_is_refused_and_nothing_else_harmed
            }
        }
    };
}
use keeps_every_promise_of_bound_tokens;

/// Both for one proxy: with the plain examples, and below `bound` with those for bound tokens.
macro_rules! keeps_every_promise_with_each_example {
    ($proxy:ident) => {
        crate::proxies::keeps_every_promise!($proxy, ignore = "interop");

        mod bound {
            const BOUND: crate::proxies::scene::proxy::Proxy =
                crate::proxies::scene::proxy::Proxy {
                    examples: crate::proxies::scene::proxy::BOUND,
                    ..super::$proxy
                };

            crate::proxies::keeps_every_promise!(BOUND, ignore = "interop");
            crate::proxies::keeps_every_promise_of_bound_tokens!(BOUND, ignore = "interop");
        }
    };
}
use keeps_every_promise_with_each_example;

macro_rules! keeps {
    (@each $proxy:expr, $attributes:tt $($kind:ident { $($promise:ident)* })*) => {
        $($(crate::proxies::keeps! { @one $proxy, $attributes $kind $promise })*)*
    };
    (@one $proxy:expr, ($($attribute:tt)*) $kind:ident $promise:ident) => {
        #[tokio::test]
        $($attribute)*
        async fn $promise() {
            crate::proxies::promises::$kind::$promise(&$proxy).await;
        }
    };
}
use keeps;
