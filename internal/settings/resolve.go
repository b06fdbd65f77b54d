package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// resolver finds out what becomes of each key of a file.
type resolver struct {
	r       *Reading
	part    string // of a plain client's file: producer, consumer or broker
	library string
	how     binding
	known   []string // what a key may have been meant to be, once it was asked for
}

// nearest is the name that a key was most likely meant to be, "" if there is none.
func (v *resolver) nearest(name string) string {
	if v.known == nil {
		v.known = v.names()
	}
	like := make([]string, 0, len(v.known))
	for _, n := range v.known {
		if far := len(n) - len(name); 3*max(far, -far) <= max(len(n), len(name)) || strings.HasPrefix(n, name) { // else scenario.Nearest does not take it
			like = append(like, n)
		}
	}
	return scenario.Nearest(name, like)
}

// key settles the fate of one key of a framework's file.
func (v *resolver) key(p Property) {
	name, client := p.Name, ""
	if v.r.Dialect == "flink" {
		if table, option, ok := strings.Cut(name, "/"); ok {
			name, client = option, table
		}
	}
	if v.r.Dialect == "mirror" {
		v.mirror(p)
		return
	}
	for _, dialect := range family[v.r.Dialect] {
		m, ok := tables()[dialect].find(name, v.how)
		if !ok {
			continue
		}
		if len(m.stars) > 1 || len(m.stars) == 1 && !strings.HasSuffix(m.becomes.rest, "*") {
			client = clientName(v.r.Dialect, m)
		}
		if dialect == "spring-cloud-stream" && client == "" {
			client = Binder
		}
		v.settle(p, client, m)
		return
	}
	if v.r.Dialect == "streams" || v.r.Dialect == "flink" {
		if v.spread(p, client, "both", name) {
			return
		}
	}
	v.foreign(p, client, name)
}

// family are the tables that a dialect's keys are looked up in.
var family = map[string][]string{
	"spring": {"spring", "spring-cloud-stream"}, "smallrye": {"smallrye"}, "micronaut": {"micronaut"}, "camel": {"camel"},
	"streams": {"streams"}, "connect": {"connect"}, "connector": {"connector"}, "flink": {"flink"}, "mirror": {"mirror"},
}

// Binder is the client that has what Spring Cloud Stream's bindings share.
const Binder = "binder"

// clientName is the client that a key with a name in it speaks of: the channel, the
// binding, the id of a producer.
func clientName(dialect string, m match) string {
	if dialect == "spring" || dialect == "micronaut" || dialect == "smallrye" {
		return m.stars[0]
	}
	return ""
}

// settle does what a table says of a key.
func (v *resolver) settle(p Property, client string, m match) {
	switch m.becomes.kind {
	case "-":
		v.done(p, client, NoBearing, m.becomes.rest)
	case "@":
		v.done(p, client, Elsewhere, m.becomes.rest)
	case "fact":
		v.r.client(client).Facts[m.becomes.rest] = p
		v.done(p, client, Used, m.becomes.rest)
	default:
		property := m.becomes.rest
		if property == "*" {
			property = m.stars[len(m.stars)-1]
			if v.how == fromEnv {
				property = strings.ToLower(strings.ReplaceAll(property, "_", "."))
			}
		}
		if !v.spread(p, client, m.becomes.kind, property) {
			v.foreign(p, client, property)
		}
	}
}

// spread gives a property of Kafka's to the part that has it, or to both.
func (v *resolver) spread(p Property, client, part, property string) bool {
	if part == "streams" {
		sub := resolver{r: v.r, how: v.how, library: v.library}
		m, ok := tables()["streams"].find(property, v.how)
		if ok {
			sub.settle(p, client, m)
			return true
		}
		part = "both"
	}
	parts := []string{part}
	if part == "both" {
		parts = []string{"producer", "consumer"}
	}
	why, became := "", []string{}
	for _, part := range parts {
		m, ok := tables()[part].find(property, exactly)
		switch {
		case !ok:
		case m.becomes.kind == "-":
			why = m.becomes.rest
		default:
			v.r.client(client).set(v.r.Path, v.library, part, m.becomes.rest, p)
			became = append(became, part+": "+m.becomes.rest)
		}
	}
	switch {
	case len(became) > 0:
		v.done(p, client, Used, strings.Join(became, ", "))
	case why != "":
		v.done(p, client, NoBearing, why)
	default:
		if m, ok := tables()["admin"].find(property, exactly); ok && part == "both" {
			v.done(p, client, NoBearing, m.becomes.rest)
			return true
		}
		return false
	}
	return true
}

// done notes the fate of a key, under the name that the file has.
func (v *resolver) done(p Property, client string, fate Fate, why string) {
	p.Name, p.Key = p.Written(), ""
	v.r.Keys = append(v.r.Keys, Key{Property: p, Fate: fate, Why: why, Client: client})
}

// others are keys of things beside Kafka's clients.
var others = []struct {
	pattern *regexp.Regexp
	owner   string
}{
	{regexp.MustCompile(`^(schema\.registry\.|basic\.auth\.|bearer\.auth\.|auto\.register\.schemas|use\.latest\.version|latest\.|(key|value)\.subject\.name|specific\.(avro|protobuf)|json\.|rule\.|avro\.|normalize\.schemas|apicurio\.|(key|value)\.converter\.|id\.compatibility)`), "the serializers and the Schema Registry"},
	{regexp.MustCompile(`^(confluent\.|io\.confluent\.)`), "Confluent's interceptors"},
	{regexp.MustCompile(`^spring\.(json|kafka\.|deserializer\.)`), "Spring's serializers"},
	{regexp.MustCompile(`^(config\.providers\.|metrics?\.|aws\.|azure\.|interceptor\.)`), "a plug-in"},
}

// frameworks are dialects as people call them.
var frameworks = map[string]string{
	"streams": "Kafka Streams", "connect": "a Connect worker", "connector": "a connector", "mirror": "MirrorMaker 2", "spring": "Spring Boot", "spring-cloud-stream": "Spring Cloud Stream",
	"smallrye": "SmallRye (Quarkus)", "micronaut": "Micronaut", "camel": "Camel", "flink": "Flink", "admin": "the admin client", "topic": "a topic", "broker": "a broker",
	"producer": "a producer", "consumer": "a consumer",
}

// Name is what people call a dialect.
func Name(dialect string) string {
	return strings.TrimPrefix(strings.TrimPrefix(frameworks[dialect], "a "), "an ")
}

// Application says whether a key is the application's own, or its environment's: an
// application.yml has many.
func (k Key) Application() bool {
	return strings.HasPrefix(k.Why, "the application") || strings.HasPrefix(k.Why, "the environment")
}

// foreign settles a key that its own dialect does not have.
func (v *resolver) foreign(p Property, client, name string) {
	for _, o := range others {
		if o.pattern.MatchString(name) {
			v.done(p, client, Elsewhere, o.owner)
			return
		}
	}
	if v.r.Dialect != "" && !v.concerns(name) {
		v.done(p, client, Elsewhere, "the application: its name says nothing of Kafka")
		return
	}
	near := v.nearest(name)
	p.Name, p.Key = p.Written(), ""
	k := Key{Property: p, Fate: Unknown, Why: near, Client: client, Matters: Matters(name) || near != "" && bears(near)}
	v.r.Keys = append(v.r.Keys, k)
}

// concerns says whether a key of a framework's file is about Kafka at all: an
// application.yml has much else.
func (v *resolver) concerns(name string) bool {
	low := strings.ToLower(name)
	switch v.r.Dialect {
	case "spring":
		return strings.HasPrefix(low, "spring.kafka") || strings.HasPrefix(low, "spring.cloud.stream") || strings.HasPrefix(low, "spring_kafka") || strings.HasPrefix(low, "spring_cloud_stream") || !strings.Contains(low, ".") && Matters(low) || strings.Contains(low, "kafka")
	case "smallrye":
		return strings.HasPrefix(low, "mp.messaging") || strings.Contains(low, "kafka")
	case "micronaut", "camel":
		return strings.Contains(low, "kafka")
	case "connector": // its plug-in has settings of its own
		return Matters(name)
	}
	return true
}

// names are what a key may have been meant to be.
func (v *resolver) names() []string {
	all := scenario.PropertyNames("producer", "consumer")
	if v.part != "" {
		all = scenario.PropertyNames(v.part)
	}
	for _, dialect := range family[v.r.Dialect] {
		all = append(all, Documented(dialect)...)
	}
	if t := tables()[tableOf(v.library)]; t != nil {
		all = append(all, Documented(tableOf(v.library))...)
	}
	return slices.DeleteFunc(all, func(n string) bool { return strings.Contains(n, "*") })
}

// telltale are parts of names that speak of delivery.
var telltale = regexp.MustCompile(`(?i)(^|[._-])(acks?|idempoten\w*|transaction\w*|isolation|exactly|guarantee|retries|offset|commit|inflight|in\.flight)([._-]|$)|idempoten|transactional|isolation|exactlyOnce|autoCommit|requiredAcks|enableIdemp|fromBeginning|readUncommitted|guarantee`)

// Matters says whether a name that nobody knows may bear on delivery.
func Matters(name string) bool { return telltale.MatchString(name) }

func bears(name string) bool {
	for _, part := range []string{"producer", "consumer", "broker"} {
		if m, ok := tables()[part].find(name, exactly); ok && m.becomes.kind == part {
			return true
		}
	}
	return Matters(name)
}

// mirror settles a key of MirrorMaker 2: below a pair of clusters ("a->b.") or one of
// them ("b.") stands what holds for every pair otherwise.
func (v *resolver) mirror(p Property) {
	name, client := p.Name, ""
	if pair, rest, ok := strings.Cut(name, "->"); ok {
		to, key, _ := strings.Cut(rest, ".")
		name, client = key, pair+"->"+to
	} else if alias, rest, ok := strings.Cut(name, "."); ok && slices.Contains(v.r.client("").aliases(), alias) {
		name, client = rest, alias
	}
	for _, side := range []string{"source.", "target."} {
		if rest, ok := strings.CutPrefix(name, side); ok && !strings.HasPrefix(rest, "cluster.") {
			name = rest
		}
	}
	for _, over := range []string{"producer.override.", "consumer.override.", "admin.override."} {
		if rest, ok := strings.CutPrefix(name, over); ok {
			name = strings.TrimSuffix(over, "override.") + rest
		}
	}
	m, ok := tables()["mirror"].find(name, exactly)
	switch {
	case ok:
		v.settle(p, client, m)
	case v.spread(p, client, "both", name):
	default:
		v.foreign(p, client, name)
	}
}

// aliases are the clusters that a MirrorMaker file names.
func (c *Client) aliases() []string {
	var all []string
	for _, a := range strings.Split(c.Facts["clusters"].Value, ",") {
		all = append(all, strings.TrimSpace(a))
	}
	return all
}

// tableOf is the table of a library's own names; "" = it has Kafka's.
func tableOf(library string) string {
	name, _ := scenario.SplitVersion(library)
	if _, ok := tables()[name]; ok {
		return name
	}
	if scenario.Column(library) == "librdkafka" {
		return "librdkafka"
	}
	return ""
}

// plain settles a key of a client's own file: Kafka's name or the library's.
func (v *resolver) plain(p Property) {
	name := p.Name
	if v.part == "" {
		v.either(p)
		return
	}
	if lib := tables()[tableOf(v.library)]; lib != nil {
		how := exactly
		if tableOf(v.library) == "librdkafka" && !strings.ContainsAny(name, "._-") {
			how = relaxed // .NET has the names without dots
		}
		m, ok := lib.find(name, how)
		if !ok {
			m, ok = lib.find(strings.TrimPrefix(strings.TrimPrefix(name, "producer."), "consumer."), how)
		}
		if ok && (m.becomes.kind != "producer" && m.becomes.kind != "consumer" || v.takes(m.becomes)) {
			v.settle(p, "", m)
			return
		}
	}
	m, ok := tables()[v.part].find(name, exactly)
	switch {
	case ok:
		v.settle(p, "", m)
		return
	case v.part == "broker":
		v.broker(p)
		return
	}
	v.stray(p)
}

// either settles a key of a file that may speak of a producer and of a consumer:
// "producer.acks", or acks, which only a producer has.
func (v *resolver) either(p Property) {
	for _, part := range []string{"producer", "consumer", "broker"} {
		if rest, ok := strings.CutPrefix(p.Name, part+"."); ok {
			p.Key, p.Name = p.Written(), rest
			of := *v
			of.part = part
			of.plain(p)
			return
		}
	}
	if lib := tables()[tableOf(v.library)]; lib != nil {
		if m, ok := lib.find(p.Name, exactly); ok {
			v.settle(p, "", m)
			return
		}
	}
	if !v.spread(p, "", "both", p.Name) {
		v.stray(p)
	}
}

// takes says whether a property is one of the part that the file is for.
func (v *resolver) takes(b becomes) bool {
	_, ok := tables()[v.part].find(b.rest, exactly)
	return ok
}

// broker settles a key that no broker documents: a listener's own, or a topic's.
func (v *resolver) broker(p Property) {
	if strings.HasPrefix(p.Name, "listener.name.") {
		v.done(p, "", NoBearing, "security: who may connect, not what is delivered")
		return
	}
	v.stray(p)
}

// stray settles a plain client's key that is none of its own.
func (v *resolver) stray(p Property) {
	for _, other := range []string{"producer", "consumer", "broker", "admin", "topic"} {
		if _, ok := tables()[other].find(p.Name, exactly); ok && other != v.part {
			v.done(p, "", Elsewhere, frameworks[other])
			return
		}
	}
	if owner := scenario.Owner(p.Name); owner != "" && v.part != "broker" {
		v.done(p, "", Elsewhere, owner)
		return
	}
	for _, dialect := range []string{"streams", "connect", "connector", "mirror", "flink", "spring", "smallrye", "camel"} {
		if m, ok := tables()[dialect].find(p.Name, exactly); ok && (m.becomes.kind == "fact" || len(m.stars) == 0) {
			v.done(p, "", Elsewhere, frameworks[dialect])
			return
		}
	}
	v.foreign(p, "", p.Name)
}

// summary of a file's keys: what is not used, in one line each.
func (k Key) String() string {
	value := Mask(k.Name, strings.TrimSpace(k.Value))
	switch k.Fate {
	case Used:
		return fmt.Sprintf("%s=%s: used as %s", k.Name, value, k.Why)
	case NoBearing:
		return fmt.Sprintf("%s: no bearing on delivery (%s)", k.Name, k.Why)
	case Elsewhere:
		return fmt.Sprintf("%s: not looked at, it belongs to %s", k.Name, k.Why)
	}
	if k.Why != "" {
		return fmt.Sprintf("%s: unknown, not looked at; did you mean %s?", k.Name, k.Why)
	}
	return fmt.Sprintf("%s: unknown, not looked at", k.Name)
}
