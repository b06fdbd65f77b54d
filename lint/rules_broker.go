package lint

var brokerRules []Rule
