import org.springframework.boot.SpringBootVersion;

final class SpringBoot3 {
    public static void main(String[] arguments) throws Exception {
        Check.version("Spring Boot", SpringBootVersion.getVersion());
        if (Check.env("TOKEN_TYP").equals("JWT")) {
            SpringChecks.unchanged();
        } else {
            SpringChecks.judges(SpringChecks.start("resource-server", Microservice.class, AccessTokens.class), true);
        }
        SpringChecks.opaqueAndClient();
        System.exit(0);
    }
}
