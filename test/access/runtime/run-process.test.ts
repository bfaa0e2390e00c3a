import { afterAll, describe, expect, test } from 'vitest'
import { type Program, aProgram as runProgram } from './a-program.ts'

const programs: Program[] = []
afterAll(() => {
  for (const { child } of programs.splice(0)) child.kill('SIGKILL')
})
const aProgram = (...how: Parameters<typeof runProgram>): Program => {
  const program = runProgram(...how)
  programs.push(program)
  return program
}
type Line = { level: string; msg: string } & Record<string, unknown>
const logOf = (program: Program): Line[] =>
  program
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
const stopped = { code: 0, signal: null }
const failed = { code: 1, signal: null }

/** Nothing that takes long on a busy machine is told as late, or counts as another signal. */
const patient = ', { stopWithinMs: 600_000, sameSignalMs: 600_000 }'
const impatient = ', { stopWithinMs: 600_000, sameSignalMs: 1 }'

/** Two steps, of which the first waits for the test. */
const waits = (patience = '') => `
  await runProcess('program', async () => {
    const admin = await startAdmin({ host: '127.0.0.1', port: 0 }, () => [])
    console.log('port ' + admin.port + ' open')
    return {
      log,
      stop: [
        ['the queue', () => told('go')],
        ['the audit', async () => console.log('audit closed')],
        ['admin', () => admin.close()],
      ],
    }
  }${patience})`

describe.concurrent('A process that is told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'ends its steps in order on %s, and exits with 0',
    async (signal) => {
      const program = aProgram(waits(patient))
      await program.says('open')
      program.child.kill(signal)
      await program.says('"stopping"')
      expect(program.output()).not.toContain('audit closed')
      program.child.stdin?.end('go')
      expect(await program.ended).toEqual(stopped)
      expect(program.output()).toContain('audit closed')
      expect(logOf(program).map(({ msg }) => msg)).toEqual(['stopping', 'stopped'])
      expect(logOf(program)[0]).toMatchObject({ why: signal })
    },
  )

  test('takes one function for all steps', async () => {
    const program = aProgram(`
      const open = setInterval(() => {}, 1000)
      await runProcess('program', async () => ({ log, stop: async () => console.log('all ended') }))
      console.log('up')`)
    await program.says('up')
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual(stopped)
    expect(program.output()).toContain('all ended')
  })

  test('says 503 at /readyz until it has ended, and 200 at /healthz', async () => {
    const program = aProgram(waits(patient))
    await program.says('open')
    const url = `http://127.0.0.1:${/port (\d+)/.exec(program.output())?.[1]}`
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    program.child.kill('SIGTERM')
    await program.says('"stopping"')
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'stopping' }])
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    program.child.stdin?.end('go')
    expect(await program.ended).toEqual(stopped)
  })

  test('takes a signal that comes twice for one', async () => {
    const program = aProgram(waits(patient))
    await program.says('open')
    program.child.kill('SIGTERM')
    await program.says('"stopping"')
    program.child.kill('SIGTERM')
    program.child.kill('SIGINT')
    program.child.stdin?.end('go')
    expect(await program.ended).toEqual(stopped)
  })

  test('ends at once on a second signal, and says what had not ended', async () => {
    const program = aProgram(waits(impatient))
    await program.says('open')
    program.child.kill('SIGTERM')
    await program.says('a second signal ends it at once')
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual(failed)
    expect(program.output()).not.toContain('audit closed')
    expect(logOf(program).at(-1)).toMatchObject({
      level: 'error',
      msg: 'ended at once, before it had stopped',
      notEnded: ['the queue', 'the audit', 'admin'],
    })
  })

  test('ends with 1 when time is up, and says what had not ended', async () => {
    const program = aProgram(waits(', { stopWithinMs: 20, sameSignalMs: 600_000 }'))
    await program.says('open')
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual(failed)
    const last = logOf(program).at(-1)
    expect(last).toMatchObject({ level: 'error', notEnded: ['the queue', 'the audit', 'admin'] })
    expect(last?.['open'], 'what keeps Node busy').toMatchObject({ TCPServerWrap: 1 })
  })

  test('ends with 1 when a step fails', async () => {
    const program = aProgram(`
      await runProcess('program', async () => ({
        log, stop: [['the audit', async () => { throw new Error('the disk is full') }]],
      }))
      console.log('up'); setInterval(() => {}, 1000)`)
    await program.says('up')
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual(failed)
    expect(logOf(program).at(-1)).toMatchObject({
      level: 'fatal',
      fault: { type: 'Error', message: 'the disk is full' },
    })
  })

  test('ends with 0 when it is still starting', async () => {
    const program = aProgram(`
      await runProcess('program', () => { console.log('starting'); return told('never') })`)
    await program.says('starting')
    program.child.kill('SIGINT')
    expect(await program.ended).toEqual(stopped)
  })

  test('stops when the parent that spawned it is gone', async () => {
    const program = aProgram(waits(patient), ['pipe', 'pipe', 'pipe', 'ipc'])
    await program.says('open')
    program.child.disconnect()
    program.child.stdin?.end('go')
    expect(await program.ended).toEqual(stopped)
    expect(logOf(program)[0]).toMatchObject({ msg: 'stopping', why: 'the parent process is gone' })
  })
})

/** It drains until the test says so, or until it is stopped. */
const drains = (patience = '') => `
  await runProcess('program', async () => {
    const admin = await startAdmin({ host: '127.0.0.1', port: 0 }, () => [], () => ({ rules: 'abc' }))
    console.log('port ' + admin.port + ' open')
    return {
      log,
      drain: async () => { console.log('drain begun'); await told('empty'); return 'nothing is open' },
      stop: [['the queue', () => told('go')], ['admin', () => admin.close()]],
    }
  }${patience})`
const messages = (program: Program): string[] => logOf(program).map(({ msg }) => msg)

describe.concurrent('A process that can drain', () => {
  test('does so on SIGTERM, says 503 at /readyz meanwhile, and stops when nothing is left', async () => {
    const program = aProgram(drains(patient))
    await program.says('open')
    const url = `http://127.0.0.1:${/port (\d+)/.exec(program.output())?.[1]}`
    program.child.kill('SIGTERM')
    await program.says('drain begun')
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'draining', rules: 'abc' }])
    const health = await fetch(`${url}/healthz`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok', rules: 'abc' }])
    program.child.kill('SIGTERM')
    program.child.stdin?.write('empty')
    await program.says('"stopping"')
    expect(logOf(program).at(-1)).toMatchObject({ why: 'nothing is open' })
    program.child.stdin?.end('go')
    expect(await program.ended).toEqual(stopped)
    expect(messages(program)).toEqual(['draining', 'stopping', 'stopped'])
  })

  test('stops at once on SIGINT', async () => {
    const program = aProgram(drains(patient))
    await program.says('open')
    program.child.kill('SIGINT')
    program.child.stdin?.end('go')
    expect(await program.ended).toEqual(stopped)
    expect(program.output()).not.toContain('drain begun')
  })

  test('stops on SIGINT while it drains, however soon that comes', async () => {
    const program = aProgram(drains(patient))
    await program.says('open')
    program.child.kill('SIGTERM')
    await program.says('drain begun')
    program.child.kill('SIGINT')
    await program.says('"stopping"')
    // What it waited for comes too late to stop it again.
    program.child.stdin?.end('empty go')
    expect(await program.ended).toEqual(stopped)
    expect(messages(program)).toEqual(['draining', 'stopping', 'stopped'])
  })

  test('stops on a second SIGTERM, and ends at once on a third', async () => {
    const program = aProgram(drains(impatient))
    await program.says('open')
    program.child.kill('SIGTERM')
    await program.says('still draining; a second signal stops it now')
    program.child.kill('SIGTERM')
    await program.says('a second signal ends it at once')
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual(failed)
    expect(logOf(program).at(-1)).toMatchObject({ notEnded: ['the queue', 'admin'] })
  })

  test('stops when the parent that spawned it is gone', async () => {
    const program = aProgram(drains(patient), ['pipe', 'pipe', 'pipe', 'ipc'])
    await program.says('open')
    program.child.kill('SIGTERM')
    await program.says('drain begun')
    program.child.disconnect()
    await program.says('"stopping"')
    program.child.stdin?.end('go')
    expect(await program.ended).toEqual(stopped)
  })

  test('ends with 1 when draining fails', async () => {
    const program = aProgram(`
      await runProcess('program', async () => ({
        log, drain: async () => { throw new Error('no') }, stop: async () => console.log('never'),
      }))
      console.log('up'); setInterval(() => {}, 1000)`)
    await program.says('up')
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual(failed)
    expect(program.output()).not.toContain('never')
  })
})

const secrets = `
  const secret = Object.assign(new Error('refused by rediss://user:hunter2-long@redis:6379'), {
    code: 'ECONNREFUSED', config: { headers: { Authorization: 'Bearer abcdefgh12345' } },
  })
  const fault = new Error('Slack said no to xoxb-12345-secret', { cause: secret })`

describe.concurrent('A fault that nobody handled', () => {
  test.each([
    ['an exception', 'setImmediate(() => { throw fault })'],
    ['a rejection', 'void Promise.reject(fault)'],
  ])('%s is logged without secrets, and ends the process with 1', async (_, how) => {
    const program = aProgram(`${secrets}
      await runProcess('program', async () => ({ log, stop: async () => console.log('never') }))
      setInterval(() => {}, 1000)
      ${how}`)
    expect(await program.ended).toEqual(failed)
    const [line, ...more] = logOf(program)
    expect(more).toEqual([])
    expect(line).toMatchObject({
      level: 'fatal',
      fault: {
        type: 'Error',
        message: 'Slack said no to [secret]',
        cause: { message: 'refused by rediss://[secret]@redis:6379', code: 'ECONNREFUSED' },
      },
    })
    expect(line?.['fault']).toHaveProperty('stack', expect.stringContaining('at '))
    expect(program.output()).not.toMatch(/hunter2|xoxb-1|abcdefgh|never/)
  })

  test('while it starts is told in words, without secrets', async () => {
    const program = aProgram(`${secrets}; await runProcess('program', () => Promise.reject(fault))`)
    expect(await program.ended).toEqual(failed)
    expect(program.output()).toMatch(/^program: Error: Slack said no to \[secret\]\n/)
    expect(program.output()).not.toMatch(/hunter2|xoxb-1|abcdefgh/)
  })
})
