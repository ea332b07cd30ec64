# The gem oauth2 of Ruby as a client.
require "oauth2/version"

puts "oauth2 (Ruby) #{OAuth2::Version}"

# snippet: ruby-oauth2
require "oauth2"

client = OAuth2::Client.new(
  ENV.fetch("CLIENT_ID"),
  ENV.fetch("CLIENT_SECRET"),
  site: ENV.fetch("ISSUER"),
  token_url: "/token",
  auth_scheme: :basic_auth,
)
token = client.client_credentials.get_token(scope: "invoices.read")
answer = token.get(ENV.fetch("API"))
# end
raise answer.body unless answer.status == 200 && answer.body.include?(ENV.fetch("CLIENT_ID"))
raise token.params.inspect unless token.params["scope"] == "invoices.read" && !token.expired?

in_body = OAuth2::Client.new(
  ENV.fetch("CLIENT_ID"), ENV.fetch("CLIENT_SECRET"),
  site: ENV.fetch("ISSUER"), token_url: "/token", auth_scheme: :request_body,
)
raise "no token" unless in_body.client_credentials.get_token.token

begin
  wrong = OAuth2::Client.new(ENV.fetch("CLIENT_ID"), "wrong", site: ENV.fetch("ISSUER"), token_url: "/token")
  wrong.client_credentials.get_token
rescue OAuth2::Error => error
  raise error unless error.code == "invalid_client" && error.response.status == 401
else
  raise "a wrong secret gave a token"
end
