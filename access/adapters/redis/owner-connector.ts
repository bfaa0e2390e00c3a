import { connect as connectPlainly, Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis'
import { names } from './names.ts'
import type { RedisPlace } from './redis-url.ts'

type Node = RedisPlace['nodes'][number]
/** Replies are mapped as everywhere. */
export type ConnectOptions = Omit<RedisOptions, 'replyMapping'>

const againMs = 200

/** Asks one of the nodes who holds the data. */
type AskForOwner = (asked: Redis, node: Node) => Promise<Node | undefined>

/**
 * Connects to whoever holds the data now, as the Sentinels or the nodes of a Cluster say, and asks again for every new
 * connection. All keys share one hash tag, so in a Cluster too that is one node, and whatever works with one Redis
 * works there: scripts, blocking reads, the time, WAIT. `asking` is how the named nodes are connected to.
 */
export const ownerConnector = (
  nodes: readonly Node[],
  own: ConnectOptions,
  asking: ConnectOptions,
  askForOwner: AskForOwner,
) =>
  class OwnerConnector extends AbstractConnector {
    private next = 0

    constructor(_: unknown) {
      super(own.disconnectTimeout ?? 2_000)
    }

    /** What ioredis read of INFO: one that was demoted meanwhile holds the data no more. */
    override check(info: { readonly role?: string } | undefined): boolean {
      return info?.role === undefined || info.role === 'master'
    }

    /** Never rejects: ioredis would never try again. A connection that was closed while it was sought is a dead socket. */
    override async connect(tell: (type: string, error: Error) => void) {
      this.connecting = true
      for (;;) {
        // Another one first each time: one that is cut off goes on telling what was.
        const node = nodes[this.next % nodes.length] as Node
        this.next += 1
        const owner = await ask(node, asking, askForOwner)
        if (!this.connecting) return new Socket().destroy()
        if (!(owner instanceof Error)) {
          const stream =
            own.tls === undefined ? connectPlainly(owner) : connectSecurely({ ...own.tls, ...owner })
          stream.once('error', (error) => {
            this.firstError = error
          })
          this.stream = stream
          return stream
        }
        if (this.next % nodes.length !== 0) continue
        tell('error', owner)
        await new Promise((resolve) => setTimeout(resolve, againMs))
      }
    }
  }

const ask = async (node: Node, asking: ConnectOptions, askForOwner: AskForOwner): Promise<Node | Error> => {
  let trouble: Error | undefined
  const redis = new Redis({
    ...asking,
    ...node,
    lazyConnect: true,
    enableOfflineQueue: true,
    commandTimeout: 1_000,
    enableReadyCheck: false,
    retryStrategy: () => null,
  })
  redis.on('error', (error: Error) => {
    trouble = error
  })
  try {
    await redis.connect()
    return (await askForOwner(redis, node)) ?? new Error(`${node.host}:${node.port} knows no such Redis`)
  } catch (error) {
    return trouble ?? (error as Error)
  } finally {
    redis.disconnect()
  }
}

/** A Sentinel knows the Redis of a name that is the master now. */
export const askSentinel =
  (name: string): AskForOwner =>
  async (asked) => {
    const found: unknown = await asked.call('SENTINEL', 'get-master-addr-by-name', name)
    if (!Array.isArray(found)) return undefined
    const [host, port] = found as unknown[]
    return typeof host === 'string' && Number(port) > 0 ? { host, port: Number(port) } : undefined
  }

/** A node that is asked for one of our keys has it, or says who does: `MOVED slot host:port`. */
export const askClusterNode: AskForOwner = async (asked, node) => {
  try {
    await asked.get(names.epoch)
    return node
  } catch (error) {
    const [, host, port] = /\bMOVED \d+ (\S*):(\d+)/.exec(String(error)) ?? []
    if (port === undefined) throw error
    // An empty host stands for the one that was asked.
    return { host: host || node.host, port: Number(port) }
  }
}
