import java.util.*; import java.lang.reflect.*;
import org.apache.kafka.common.config.*;
public class Dump {
  static void dump(String table, String cls, String... members) {
    try {
      Class<?> c = Class.forName(cls); ConfigDef d = null; String why = "";
      for (String m : members) { try {
        if (m.equals("crypto")) { Class<?> cr = Class.forName("org.apache.kafka.connect.runtime.distributed.Crypto"); Method x = c.getDeclaredMethod("config", cr); x.setAccessible(true); Field sys = cr.getDeclaredField("SYSTEM"); sys.setAccessible(true); d = (ConfigDef) x.invoke(null, sys.get(null)); }
        else if (m.endsWith("()")) { for (Method x : c.getDeclaredMethods()) if (x.getName().equals(m.substring(0, m.length()-2)) && x.getParameterCount()==0) { x.setAccessible(true); d = (ConfigDef) x.invoke(null); break; } }
        else { Field f = c.getDeclaredField(m); f.setAccessible(true); d = (ConfigDef) f.get(null); }
      } catch (Throwable t) { why += t; } if (d != null) break; }
      if (d == null) { System.err.println("none: " + cls + " " + why); for (Field f : c.getDeclaredFields()) if (f.getType()==ConfigDef.class) System.err.println("  field " + f.getName()); for (Method m : c.getDeclaredMethods()) if (m.getReturnType()==ConfigDef.class) System.err.println("  method " + m); return; }
      for (ConfigDef.ConfigKey k : new TreeMap<>(d.configKeys()).values()) {
        String def = k.defaultValue == ConfigDef.NO_DEFAULT_VALUE || k.defaultValue == null ? "" : String.valueOf(k.defaultValue);
        System.out.println(table + "\t" + k.name + "\t" + k.type.toString().toLowerCase() + "\t" + (k.validator==null?"":k.validator.toString().replaceAll("\\s+"," ")) + "\t" + def.replaceAll("\\s+"," "));
      }
    } catch (Throwable t) { System.err.println(cls + ": " + t); }
  }
  public static void main(String[] a) {
    dump("producer","org.apache.kafka.clients.producer.ProducerConfig","configDef()");
    dump("consumer","org.apache.kafka.clients.consumer.ConsumerConfig","configDef()");
    dump("admin","org.apache.kafka.clients.admin.AdminClientConfig","configDef()");
    dump("streams","org.apache.kafka.streams.StreamsConfig","configDef()");
    dump("worker","org.apache.kafka.connect.runtime.distributed.DistributedConfig","crypto");
    dump("worker","org.apache.kafka.connect.runtime.standalone.StandaloneConfig","CONFIG");
    dump("worker","org.apache.kafka.connect.runtime.WorkerConfig","baseConfigDef()");
    dump("connector","org.apache.kafka.connect.runtime.ConnectorConfig","configDef()");
    dump("connector","org.apache.kafka.connect.runtime.SourceConnectorConfig","configDef()");
    dump("connector","org.apache.kafka.connect.runtime.SinkConnectorConfig","configDef()");
    dump("mirror","org.apache.kafka.connect.mirror.MirrorMakerConfig","config()","CONFIG_DEF");
    dump("mirror","org.apache.kafka.connect.mirror.MirrorConnectorConfig","BASE_CONNECTOR_CONFIG_DEF");
    dump("mirror","org.apache.kafka.connect.mirror.MirrorSourceConfig","CONNECTOR_CONFIG_DEF");
    dump("mirror","org.apache.kafka.connect.mirror.MirrorCheckpointConfig","CONNECTOR_CONFIG_DEF");
    dump("mirror","org.apache.kafka.connect.mirror.MirrorHeartbeatConfig","CONNECTOR_CONFIG_DEF");
    dump("mirror","org.apache.kafka.connect.mirror.MirrorClientConfig","CONFIG_DEF");
  }
}
