import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

public class LogbackLog implements Shop.Log {
    public void write(String logger, String severity, String message, Throwable error) {
        Logger log = LoggerFactory.getLogger(logger);
        switch (severity) {
            case "debug": log.debug(message, error); break;
            case "info": log.info(message, error); break;
            case "warning": log.warn(message, error); break;
            default: log.error(message, error);
        }
    }
}
