// snippet: httpclient5
import java.util.List;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.entity.UrlEncodedFormEntity;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.NameValuePair;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.message.BasicNameValuePair;

class Form {
    static String post(CloseableHttpClient http, String url, NameValuePair... parameters) throws Exception {
        var request = new HttpPost(url);
        request.setEntity(new UrlEncodedFormEntity(List.of(parameters)));
        return http.execute(request, answer -> answer.getCode() + " " + EntityUtils.toString(answer.getEntity()));
    }
}
// end
