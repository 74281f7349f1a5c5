/**
 * The version of the protocol. It grows when something that an executor or a client relies on changes its meaning or goes; what is only added
 * leaves it as it is. A registry sends it in its answer to a registration, every service in its info of the NATS services protocol.
 */
export const PROTOCOL_VERSION = 1
