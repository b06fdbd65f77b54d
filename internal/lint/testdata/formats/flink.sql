SET 'execution.checkpointing.interval' = '1min';
CREATE TABLE orders (id INT) WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'properties.bootstrap.servers' = 'b:9092',
  'scan.startup.mode' = 'latest-offset',
  'format' = 'json'
);
CREATE TABLE receipts (id INT) WITH (
  'connector' = 'kafka', 'properties.bootstrap.servers' = 'b:9092',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'r',
  'properties.transaction.timeout.ms' = '30000', 'format'='json');
