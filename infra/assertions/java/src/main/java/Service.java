import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import org.jose4j.http.Get;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.json.JsonUtil;
import org.jose4j.jwk.HttpsJwks;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.consumer.JwtConsumer;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.keys.resolvers.HttpsJwksVerificationKeyResolver;

/**
 * A service that answers only to whoever Pagepass vouches for. With jose4j, Java 17 or newer:
 *
 * <pre>
 * mvn package && PAGEPASS_JWKS=https://orders-svc.access.example.com/.pagepass/jwks.json \
 *   PAGEPASS_ISSUER=pagepass:production PAGEPASS_SERVICE=orders-svc PORT=9001 java -cp 'target/classes:target/lib/*' Service
 * </pre>
 */
public final class Service {
  private static final String HEADER = "X-Pagepass-Assertion";
  private static final String CLAIMS = "pagepass";

  /** Lets nothing through that Pagepass does not vouch for. */
  static final class Demand extends Filter {
    private final String service;
    private final JwtConsumer consumer;

    Demand(String jwks, String issuer, String service) {
      this.service = service;
      Get get = new Get();
      get.setConnectTimeout(5_000);
      get.setReadTimeout(5_000);
      get.setRetries(0);
      HttpsJwks keys = new HttpsJwks(jwks);
      keys.setSimpleHttpGet(get);
      keys.setDefaultCacheDuration(300);
      // At most once in 30 s for a key that nobody knows; the default is 0.3 s.
      keys.setRefreshReprieveThreshold(30_000);
      consumer =
          new JwtConsumerBuilder()
              .setVerificationKeyResolver(new HttpsJwksVerificationKeyResolver(keys))
              .setJwsAlgorithmConstraints(
                  ConstraintType.PERMIT,
                  AlgorithmIdentifiers.EDDSA,
                  AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256)
              .setExpectedType(true, "pagepass-assertion+jwt")
              .setExpectedIssuer(true, issuer)
              .setExpectedAudience(true, service)
              .setRequireExpirationTime()
              .setRequireSubject()
              .setAllowedClockSkewInSeconds(10)
              .build();
    }

    /** The claims of the one assertion that came with a request. */
    private JwtClaims whoAsks(HttpExchange exchange) throws Exception {
      List<String> sent = exchange.getRequestHeaders().getOrDefault(HEADER, List.of());
      if (sent.size() != 1) throw new IllegalArgumentException("there is not exactly one assertion");
      JwtClaims claims = consumer.processToClaims(sent.get(0));
      // The library is content with a list that has us in it.
      if (!claims.getAudience().equals(List.of(service)))
        throw new IllegalArgumentException("it is for others as well");
      return claims;
    }

    @Override
    public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
      try {
        exchange.setAttribute(CLAIMS, whoAsks(exchange));
      } catch (Exception error) { // Whatever went wrong: nobody was vouched for.
        System.err.println("refused: " + error.getMessage());
        answer(exchange, 401, Map.of("error", "no valid assertion"));
        return;
      }
      chain.doFilter(exchange);
    }

    @Override
    public String description() {
      return "demands an assertion of Pagepass";
    }
  }

  private static void answer(HttpExchange exchange, int status, Map<String, ?> body) throws IOException {
    byte[] text = (JsonUtil.toJson(body) + "\n").getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, text.length);
    exchange.getResponseBody().write(text);
    exchange.close();
  }

  private static void hello(HttpExchange exchange) throws IOException {
    JwtClaims claims = (JwtClaims) exchange.getAttribute(CLAIMS);
    Map<String, Object> who = new LinkedHashMap<>();
    for (String name : List.of("sub", "name", "tier", "grant"))
      if (claims.hasClaim(name)) who.put(name, claims.getClaimValue(name));
    answer(exchange, 200, who);
  }

  private static String setting(String name) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) throw new IllegalStateException(name + " is missing");
    return value;
  }

  public static void main(String[] args) throws IOException {
    int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9001"));
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
    server
        .createContext("/", Service::hello)
        .getFilters()
        .add(new Demand(setting("PAGEPASS_JWKS"), setting("PAGEPASS_ISSUER"), setting("PAGEPASS_SERVICE")));
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.start();
    System.out.println("listening on 127.0.0.1:" + server.getAddress().getPort());
  }
}
