// Apache HttpClient 5 as it is without any settings: its forms say charset=ISO-8859-1, and credentials are sent when they are
// asked for.

import java.util.List;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.NameValuePair;
import org.apache.hc.core5.http.message.BasicNameValuePair;
import org.apache.hc.core5.util.VersionInfo;

final class HttpClient5 {
    public static void main(String[] arguments) throws Exception {
        var release = VersionInfo.loadVersionInfo("org.apache.hc.client5", HttpClient5.class.getClassLoader()).getRelease();
        Check.version("Apache HttpClient", release);
        String issuer = Check.env("ISSUER");
        NameValuePair grant = new BasicNameValuePair("grant_type", "client_credentials");
        NameValuePair id = new BasicNameValuePair("client_id", Check.env("CLIENT_ID"));
        NameValuePair secret = new BasicNameValuePair("client_secret", Check.env("CLIENT_SECRET"));
        try (var http = HttpClients.createDefault()) {
            for (String answer : List.of(
                Form.post(http, issuer + "/token", grant, id, secret),
                Form.post(http, issuer + "/authorize", id, secret),
                Form.post(http, issuer + "/verify", new BasicNameValuePair("token", Check.env("TOKEN"))))) {
                Check.that(answer.startsWith("200 "), answer);
            }
        }
        var credentials = new BasicCredentialsProvider();
        credentials.setCredentials(
            new AuthScope(null, -1),
            new UsernamePasswordCredentials(Check.env("CLIENT_ID"), Check.env("CLIENT_SECRET").toCharArray()));
        try (var http = HttpClients.custom().setDefaultCredentialsProvider(credentials).build()) {
            // Basic after a challenge.
            for (String path : List.of("/token", "/authorize")) {
                String answer = Form.post(http, issuer + path, grant);
                Check.that(answer.startsWith("200 "), path + ": " + answer);
            }
        }
    }
}
