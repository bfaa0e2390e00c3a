import { defineConfig } from 'vitest/config'

/** Neither files nor sockets nor anything that a test could leave to the next one. */
const pure = [
  'test/access/{domain,messages,rules}/**/*.test.ts',
  'test/access/operations/!(on-redis).test.ts',
  'test/bot/commands/**/*.test.ts',
]

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: pure,
          // What they import costs more than what they do: each of two processes imports it once.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: pure,
          globalSetup: ['test/redis.setup.ts', 'test/programs.setup.ts'],
          // These mostly wait, so they are more than the cores of a small machine.
          maxWorkers: 4,
          // Real time-outs of 1 to 3 s are part of what they test, and a shared machine may stand still for longer.
          retry: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
