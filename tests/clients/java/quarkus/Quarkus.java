// A service of Quarkus, which is a program of its own: it takes the good token and no other, and gets tokens itself.

import java.io.BufferedReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

final class Quarkus {
    private static final String LISTENS = "Listening on: ";

    public static void main(String[] arguments) throws Exception {
        Path classes = Path.of(Quarkus.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Path built = classes.resolveSibling("build/quarkus-app");
        Check.version("Quarkus", version(built.resolve("lib/main")));
        var program = List.of("java", "-jar", built.resolve("quarkus-run.jar").toString());
        Process service = new ProcessBuilder(program).redirectErrorStream(true).start();
        try (var log = service.inputReader()) {
            String url = listens(log) + "/invoices";
            judges(url);
            var token = get(url + "/token", null);
            Check.that(token.statusCode() == 200, token.body());
            var answer = get(Check.env("API"), token.body());
            Check.that(answer.body().contains("\"" + Check.env("CLIENT_ID") + "\""), answer.body());
        } finally {
            service.destroy();
        }
    }

    private static String version(Path libraries) throws Exception {
        String name = "io.quarkus.quarkus-core-";
        try (var files = Files.list(libraries)) {
            var found = files.map(file -> file.getFileName().toString()).filter(file -> file.startsWith(name));
            return found.findFirst().orElseThrow().replace(name, "").replace(".jar", "");
        }
    }

    /** Where it listens, once it does. */
    private static String listens(BufferedReader log) throws Exception {
        var said = new StringBuilder();
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            int found = line.indexOf(LISTENS);
            if (found >= 0) {
                return line.substring(found + LISTENS.length()).split(" ")[0];
            }
            said.append(line).append('\n');
        }
        throw new AssertionError("it ended: " + said);
    }

    private static void judges(String url) throws Exception {
        var good = get(url, Check.env("TOKEN"));
        Check.that(good.statusCode() == 200, good.statusCode() + " " + good.headers().map());
        Check.that(good.body().startsWith(Check.env("CLIENT_ID") + " "), good.body());
        Check.that(good.body().contains("invoices.read"), good.body());
        for (String token : List.of("TOKEN_FORGED", "TOKEN_FOR_ANOTHER", "TOKEN_OF_ANOTHER_TYPE")) {
            var refused = get(url, Check.env(token));
            Check.that(refused.statusCode() == 401, token + ": " + refused.statusCode());
        }
        Check.that(get(url, "x").statusCode() == 401, "nonsense");
        Check.that(get(url, null).statusCode() == 401, "no token");
    }

    private static HttpResponse<String> get(String url, String token) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url));
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
