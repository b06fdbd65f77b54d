#!/bin/sh
# Starts one Kafka node in any image that has Kafka's jars: apache/kafka,
# confluentinc/cp-kafka, onceproof/kafka. Run again it finds its data.
#
#   ONCEPROOF_PROPERTIES  server.properties
#   ONCEPROOF_META        meta.properties
#   ONCEPROOF_CLUSTER     cluster id
#   ONCEPROOF_DATA        where its log is
# shellcheck disable=SC2086 # options are words
set -ef
d=/tmp/onceproof
data=$ONCEPROOF_DATA
if [ -f $d/wipe ]; then
  rm -rf $data $d/wipe
  echo "onceproof: wiped"
fi
mkdir -p $d $data
printf '%s\n' "$ONCEPROOF_PROPERTIES" >$d/server.properties
cat >$d/log4j2.properties <<'END'
status = warn
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.stdout.ref = stdout
END
cat >$d/log4j.properties <<'END'
log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
END

libs=
for dir in /opt/kafka/libs /usr/share/java/kafka; do
  if [ -z "$libs" ] && [ -d $dir ]; then libs=$dir; fi
done
if [ -z "$libs" ]; then
  echo "onceproof: this image has no Kafka jars at /opt/kafka/libs or /usr/share/java/kafka" >&2
  exit 78
fi
export PATH="/opt/java/bin:/opt/java/openjdk/bin:${JAVA_HOME:+$JAVA_HOME/bin:}$PATH"

logs="-Dlog4j.configuration=file:$d/log4j.properties -Dlog4j2.configurationFile=$d/log4j2.properties"
if [ -f /opt/kafka/java.args ]; then
  args="@/opt/kafka/java.args $logs"
else
  args="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx384m -Xss512k $logs -cp $libs/*"
fi
if [ ! -s $data/meta.properties ]; then
  if [ -f /opt/kafka/bootstrap.checkpoint ]; then # spares a JVM's start
    cp /opt/kafka/bootstrap.checkpoint $data/
    printf '%s\n' "$ONCEPROOF_META" >$data/meta.properties
  else
    java $args kafka.tools.StorageTool format -t "$ONCEPROOF_CLUSTER" -c $d/server.properties
  fi
fi
exec java $args kafka.Kafka $d/server.properties
