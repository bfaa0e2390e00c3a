import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

/** Uses CPU where it is told to, for the test of its accounting. Its child is the same once more. */
type Told = { readonly where: 'self' | 'child' | 'thread' | 'end the child'; readonly ms: number }

const self = fileURLToPath(import.meta.url)
const burn = (ms: number): void => {
  const from = process.threadCpuUsage()
  for (;;) {
    const { user, system } = process.threadCpuUsage(from)
    if (user + system >= ms * 1_000) return
  }
}

const obey = (child: ChildProcess, thread: Worker) => async (told: Told) => {
  switch (told.where) {
    case 'self':
      burn(told.ms)
      break
    case 'child':
      child.send({ ...told, where: 'self' })
      await once(child, 'message')
      break
    case 'thread':
      thread.postMessage(told.ms)
      await once(thread, 'message')
      break
    case 'end the child':
      child.kill('SIGKILL')
      await once(child, 'exit')
  }
  process.send?.('done')
}

const { argv } = process
if (!isMainThread) {
  parentPort?.on('message', (ms: number) => {
    burn(ms)
    parentPort?.postMessage('done')
  })
} else if (argv[2] === 'child') {
  process.on('message', ({ ms }: Told) => {
    burn(ms)
    process.send?.('done')
  })
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
} else {
  const child = fork(self, ['child'])
  const thread = new Worker(new URL(import.meta.url))
  await Promise.all([once(child, 'message'), once(thread, 'online')])
  process.on('message', obey(child, thread))
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
}
