import java.util.concurrent.Callable;

/** What the programs of the folders share. */
final class Check {
    private Check() {}

    /** Prints a library and its version. */
    static void version(String name, String version) {
        System.out.println(name + " " + version);
    }

    /** Ends the program unless something is true. */
    static void that(boolean is, Object what) {
        if (!is) {
            throw new AssertionError(String.valueOf(what));
        }
    }

    /** Ends the program unless it is refused, with this in the reason. */
    static void refused(String reason, Callable<?> attempt) {
        Object result;
        try {
            result = attempt.call();
        } catch (Exception refusal) {
            for (Throwable cause = refusal; cause != null; cause = cause.getCause()) {
                if (String.valueOf(cause.getMessage()).contains(reason)) {
                    return;
                }
            }
            throw new AssertionError("refused, but not for " + reason, refusal);
        }
        throw new AssertionError("not refused for " + reason + ": " + result);
    }

    static String env(String name) {
        String value = System.getenv(name);
        that(value != null, name);
        return value;
    }
}
