import type { Method } from './method.ts'

/** A WebSocket address for one connection in Socket Mode. */
export const appsConnectionsOpen: Method = ({ socketUrl }) => ({ url: socketUrl() })
