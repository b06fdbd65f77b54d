package onceproof;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The one line that the worker reads from stdin before anything else. */
@JsonIgnoreProperties(ignoreUnknown = true)
final class Spec {
    public int protocol;
    public String proc;
    public String role;
    public List<String> bootstrap;
    public Map<String, String> config = new TreeMap<>();
    public String topic;
    public String input;
    public String output;
    public String commit = "";
    public int transaction;
    public double rate;
    public long max;
    public int size;
    public long seed;
    public Process process = new Process();
    public Retry retry = new Retry();
    public boolean strict;

    static final class Process {
        @JsonProperty("min-ns")
        public long minNs;

        @JsonProperty("max-ns")
        public long maxNs;

        public double fail;
    }

    static final class Retry {
        public int attempts;

        @JsonProperty("backoff-ns")
        public long backoffNs;

        public String topic;
    }

    static Spec parse(String line) throws Exception {
        // The seed is an unsigned 64-bit number: its low bits are as good.
        ObjectMapper mapper = new ObjectMapper();
        var tree = (com.fasterxml.jackson.databind.node.ObjectNode) mapper.readTree(line);
        if (tree.hasNonNull("seed")) {
            tree.put("seed", tree.get("seed").bigIntegerValue().longValue());
        }
        return mapper.treeToValue(tree, Spec.class);
    }

    boolean producer() {
        return role.equals("producer");
    }

    boolean processor() {
        return role.equals("processor");
    }

    boolean transactional() {
        return transaction > 0 || commit.equals("transaction") || commit.equals("transaction-offsets-outside");
    }
}
