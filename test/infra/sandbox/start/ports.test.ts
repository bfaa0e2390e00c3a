import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { claimPorts, freePort, portFault } from '../../../../infra/sandbox/start/ports.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done))
})

async function occupy(port: number, host = '127.0.0.1'): Promise<void> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

/** The first of three neighbouring ports that are free now. */
async function freeBase(): Promise<number> {
  for (;;) {
    const base = await freePort()
    if (base > 65_000) continue
    const faults = await Promise.all([base, base + 1, base + 2].map(portFault))
    if (faults.every((fault) => fault === undefined)) return base
  }
}

test('each name gets the next port from the base on, and the ports stay free', async () => {
  const base = await freeBase()
  expect(await claimPorts(base, ['bot', 'proxy', 'redis'])).toEqual({
    bot: base,
    proxy: base + 1,
    redis: base + 2,
  })
  await occupy(base + 1)
})

test('one error names every port in use and the mend', async () => {
  const base = await freeBase()
  await occupy(base)
  await occupy(base + 2, '0.0.0.0')
  await expect(claimPorts(base, ['bot', 'proxy', 'redis'])).rejects.toMatchObject({
    code: 'ports_in_use',
    happened: expect.stringMatching(
      new RegExp(`${base} \\(bot\\) is in use.*\\n.*${base + 2} \\(redis\\) is in use`),
    ),
    mend: expect.stringContaining('PAGEPASS_BASE_PORT=9000 npm start'),
  })
})

test('the mend is not the base that was refused', async () => {
  await occupy(9000).catch(() => {}) // or someone else has it, as well
  await expect(claimPorts(9000, ['bot'])).rejects.toMatchObject({
    mend: expect.stringContaining('PAGEPASS_BASE_PORT=10000'),
  })
})

test.each([
  ['zero', 0],
  ['a fraction', 80.5],
  ['not a number', Number.NaN],
  ['too high for three', 65_534],
])('a base that is %s is refused', async (_name, base) => {
  await expect(claimPorts(base, ['bot', 'proxy', 'redis'])).rejects.toMatchObject({ code: 'ports_in_use' })
})
