/**
 * The environment of the nats-server that `carillon up` starts. It has threads for half of the processors, and one at least: the services, the executors and
 * their clients share the machine with it, and threads without work of their own only wake each other up for each message (`docs/PERFORMANCE.md`).
 * A `GOMAXPROCS` of the environment has precedence.
 */
export function brokerEnvironment(environment: NodeJS.ProcessEnv, processors: number): NodeJS.ProcessEnv {
  return { GOMAXPROCS: String(Math.max(1, Math.floor(processors / 2))), ...environment }
}
