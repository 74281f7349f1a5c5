/** For tests: a real broker, and one for each way to log in. */
export { type ServerLimits, startNatsServer, type TestServer } from './nats-server.ts'
export { PROTECTIONS, type ProtectedServer, type Protection, startProtectedServer } from './protected-server.ts'
