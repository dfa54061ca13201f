/** The service that is called. */
public interface Greeter {
    String greet(String whom);
}
