// log4j2 and logback through slf4j's and log4j's own API. Arguments: the story and the file of the truth; the
// class path and the configuration say which one it is.
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

public class Shop {
    static class Declined extends RuntimeException {
        Declined(String message, Throwable cause) { super(message, cause); }
    }

    interface Log { void write(String logger, String severity, String message, Throwable error); }

    public static void main(String[] given) throws Exception {
        Log log = (Log) Class.forName(given[2]).getDeclaredConstructor().newInstance();
        PrintWriter truth = new PrintWriter(new OutputStreamWriter(new FileOutputStream(given[1]), StandardCharsets.UTF_8), true);
        log.write("shop.start", "info", "started", null);  // loads the classes: what follows takes no time
        for (String line : Files.readAllLines(Path.of(given[0]))) {
            String[] cells = line.split("\t");
            String severity = cells[1], logger = cells[2], order = cells[3], message = cells[4], failure = cells[5], cause = cells[6];
            boolean failed = !failure.equals("-");
            Throwable error = failed ? new Declined(failure, cause.equals("-") ? null : new IOException(cause)) : null;
            String named = severity.equals("critical") && given[2].equals("LogbackLog") ? "error" : severity;
            truth.printf("%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d%n", System.currentTimeMillis() * 1000, named, message, logger,
                given.length > 3 ? order : "-", failed ? "Shop$Declined" : "-", failure, failed ? 1 : 0);
            ContextHolder.set(given[2], order);
            log.write(logger, severity, message, error);
        }
    }

    static class ContextHolder {
        static void set(String which, String order) throws Exception {
            String name = which.equals("LogbackLog") ? "org.slf4j.MDC" : "org.apache.logging.log4j.ThreadContext";
            Class.forName(name).getMethod("put", String.class, String.class).invoke(null, "correlation_id", order);
        }
    }
}
