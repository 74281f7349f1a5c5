/** For tests: a clock that a test advances, a real broker, and one for each way to log in. */

export { makeCertificates } from './certificates.ts'
export { eventually, REQUEST_DEADLINE, signal, within } from './eventually.ts'
export { FakeClock, settle } from './fake-clock.ts'
export { freePort, type ServerLimits, startNatsServer, type TestServer } from './nats-server.ts'
export { PROTECTIONS, type ProtectedServer, type Protection, startProtectedServer } from './protected-server.ts'
