import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;

public class Log4jLog implements Shop.Log {
    public void write(String logger, String severity, String message, Throwable error) {
        String level = severity.equals("critical") ? "FATAL" : severity.equals("warning") ? "WARN" : severity;
        LogManager.getLogger(logger).log(Level.valueOf(level), message, error);
    }
}
