import { execFile } from 'node:child_process'
import { createConnection, createServer } from 'node:net'
import { SandboxError } from './sandbox-error.ts'

/** Gives each name one port, from `base` upwards, all free on 127.0.0.1 now. */
export async function claimPorts<const Name extends string>(
  base: number,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const last = base + names.length - 1
  if (!Number.isInteger(base) || base < 1 || last > 65_535) {
    throw new SandboxError(
      'ports_in_use',
      `There are no ${names.length} ports from ${base} on.`,
      `Choose a whole number below ${65_536 - names.length}: ${otherBase(base)}`,
    )
  }
  const claims = names.map((name, offset) => ({ name, port: base + offset }))
  const refusals = await Promise.all(claims.map(refusalOf))
  const taken = refusals.filter((refusal) => refusal !== undefined)
  if (taken.length > 0) {
    throw new SandboxError(
      'ports_in_use',
      `Ports that Pagepass needs can't be had:\n${taken.join('\n')}`,
      `Stop what uses them, or start elsewhere: ${otherBase(base)}`,
    )
  }
  // fromEntries forgets the keys' type; every name is in it
  return Object.fromEntries(claims.map(({ name, port }) => [name, port])) as Record<Name, number>
}

/** A port of 127.0.0.1 that was free a moment ago, chosen by the system. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('the system gave no port'))
        else resolve(address.port)
      })
    })
  })
}

/** Why `port` can't be listened on at 127.0.0.1 (an error code such as EADDRINUSE), or undefined if it can. */
export async function portFault(port: number): Promise<string | undefined> {
  // macOS lets us listen on 127.0.0.1 beside someone who listens on every address: so knock first.
  if (await isAnswered(port)) return 'EADDRINUSE'
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)))
  })
}

async function refusalOf({ name, port }: { name: string; port: number }): Promise<string | undefined> {
  const fault = await portFault(port)
  if (fault === undefined) return undefined
  if (fault === 'EACCES') return `  ${port} (${name}) is kept for root`
  if (fault !== 'EADDRINUSE') return `  ${port} (${name}) answers ${fault}`
  const user = await userOf(port)
  return `  ${port} (${name}) is in use${user === undefined ? '' : ` by ${user}`}`
}

async function isAnswered(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** "node (process 4711)", where lsof is installed and may see it. */
async function userOf(port: number): Promise<string | undefined> {
  const found = await new Promise<string>((resolve) => {
    const args = ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']
    execFile('lsof', args, { timeout: 2_000 }, (_error, stdout) => resolve(stdout))
  })
  const pid = /^p(\d+)$/m.exec(found)?.[1]
  const command = /^c(.+)$/m.exec(found)?.[1]
  return pid !== undefined && command !== undefined ? `${command} (process ${pid})` : undefined
}

function otherBase(base: number): string {
  return `PAGEPASS_BASE_PORT=${base === 9000 ? 10_000 : 9000} npm start`
}
