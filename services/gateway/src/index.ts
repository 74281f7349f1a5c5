export { type GatewayOptions, startGateway } from './start-gateway.ts'
