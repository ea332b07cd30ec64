<?php
// PHP with its own curl as a client, and a service that asks /verify.
echo "PHP ", PHP_VERSION, "\n";

// snippet: php
function fetch_token(string $scope): array
{
    $http = curl_init(getenv('ISSUER') . '/token');
    curl_setopt_array($http, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_USERPWD => getenv('CLIENT_ID') . ':' . getenv('CLIENT_SECRET'),
        CURLOPT_POSTFIELDS => http_build_query(['grant_type' => 'client_credentials', 'scope' => $scope]),
    ]);
    $answer = curl_exec($http);
    if ($answer === false) {
        throw new RuntimeException(curl_error($http));
    }
    return json_decode($answer, true, flags: JSON_THROW_ON_ERROR);
}

/** The claims of a good token that has the scope; null for any other. */
function verify_token(string $token, string $scope): ?array
{
    $http = curl_init(getenv('ISSUER') . '/verify?' . http_build_query(['scope' => $scope, 'audience' => getenv('AUDIENCE')]));
    curl_setopt_array($http, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $token"],
    ]);
    $answer = curl_exec($http);
    return curl_getinfo($http, CURLINFO_RESPONSE_CODE) === 200
        ? json_decode($answer, true, flags: JSON_THROW_ON_ERROR)
        : null;
}
// end

function check(bool $is, mixed $what): void
{
    if (!$is) {
        fwrite(STDERR, var_export($what, true) . "\n");
        exit(1);
    }
}

$answer = fetch_token('invoices.read');
check(isset($answer['access_token']) && $answer['scope'] === 'invoices.read', $answer);
check(fetch_token('unknown')['error'] === 'invalid_scope', 'unknown');
$claims = verify_token(getenv('TOKEN'), 'invoices.read');
check($claims !== null && $claims['client_id'] === getenv('CLIENT_ID'), $claims);
check(verify_token(getenv('TOKEN'), 'invoices.delete') === null, 'another scope');
foreach (['TOKEN_FOR_ANOTHER', 'TOKEN_FORGED', 'TOKEN_OF_ANOTHER_TYPE'] as $name) {
    check(verify_token(getenv($name), 'invoices.read') === null, $name);
}
