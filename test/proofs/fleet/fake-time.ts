import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const places = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
]

const found = async (): Promise<string> => {
  for (const place of places)
    if (
      await access(place).then(
        () => true,
        () => false,
      )
    )
      return place
  throw new Error('this proof needs libfaketime: apt-get install libfaketime')
}

/** A wall clock that can be set, of whoever is started with its environment. The monotonic one goes on as it is. */
export const createFakeTime = async (folder: string, name: string) => {
  const file = join(folder, `${name}.time`)
  const set = (to: string): Promise<void> => writeFile(file, `${to}\n`)
  await set('+0')
  return {
    env: {
      LD_PRELOAD: await found(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    /** `-3600`: an hour behind; `+0 x1.01`: goes too fast. */
    set,
  }
}
export type FakeTime = Awaited<ReturnType<typeof createFakeTime>>
