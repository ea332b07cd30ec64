// A service in the middle of a call chain, in Java (17 or later): it verifies the token that it is called with, exchanges it
// for one for the next service, and calls that one on behalf of its caller. Without NEXT it is the last of the chain.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Middle {
    static final Map<String, String> ENV = System.getenv();
    static final HttpClient HTTP = HttpClient.newHttpClient();

    // snippet: java
    record Known(String token, Instant until) {}

    // The oldest one goes, so that the memory has a bound.
    static final Map<String, Known> EXCHANGED = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Known> eldest) {
            return size() > 10_000;
        }
    };

    /** A token for the next service, in the place of the caller's. */
    static String onBehalfOf(String token) throws Exception {
        String key = Base64.getEncoder().encodeToString(
            MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
        synchronized (EXCHANGED) {
            Known known = EXCHANGED.get(key);
            if (known != null && known.until().isAfter(Instant.now())) return known.token();
        }
        String form = "grant_type=" + encoded("urn:ietf:params:oauth:grant-type:token-exchange")
            + "&subject_token=" + encoded(token)
            + "&subject_token_type=" + encoded("urn:ietf:params:oauth:token-type:access_token")
            + "&audience=" + encoded(ENV.get("TARGET"));
        String userinfo = encoded(ENV.get("CLIENT_ID")) + ":" + encoded(ENV.get("CLIENT_SECRET"));
        HttpRequest request = HttpRequest.newBuilder(URI.create(ENV.get("TOKEN_SERVER") + "/token"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(userinfo.getBytes()))
            .POST(HttpRequest.BodyPublishers.ofString(form))
            .build();
        HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) throw new IOException(response.body());
        String exchanged = member(response.body(), "\"access_token\":\"([^\"]+)\"");
        long seconds = Long.parseLong(member(response.body(), "\"expires_in\":(\\d+)"));
        synchronized (EXCHANGED) {
            EXCHANGED.put(key, new Known(exchanged, Instant.now().plusSeconds(seconds - 10)));
        }
        return exchanged;
    }
    // end

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** Java has no reader of JSON of its own; use the one of your framework. */
    static String member(String json, String pattern) throws IOException {
        Matcher matcher = Pattern.compile(pattern).matcher(json);
        if (!matcher.find()) throw new IOException("unexpected answer");
        return matcher.group(1);
    }

    static HttpResponse<String> get(String url, String token) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
            .header("Authorization", "Bearer " + token)
            .build();
        return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    }

    static void answer(HttpExchange exchange) throws IOException {
        int status = 502;
        String body = "{}";
        try {
            String header = exchange.getRequestHeaders().getFirst("Authorization");
            String token = header == null ? "" : header.replaceFirst("^Bearer ", "");
            String verify = ENV.get("TOKEN_SERVER") + "/verify?audience=" + encoded(ENV.get("AUDIENCE"));
            HttpResponse<String> response = get(verify, token);
            if (response.statusCode() == 200 && !ENV.getOrDefault("NEXT", "").isEmpty()) {
                response = get(ENV.get("NEXT"), onBehalfOf(token));
            }
            status = response.statusCode();
            body = response.body();
        } catch (Exception error) {
            body = String.valueOf(error.getMessage());
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(ENV.get("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", Middle::answer);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
        System.out.println("ready");
    }
}
