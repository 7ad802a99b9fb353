/**
 * libuv's threads run fsync and the rest of the file system's calls; its four would let four uploads at a time wait
 * for the disk. It reads the variable when the first call is made, so this module is imported before all others.
 * https://nodejs.org/api/cli.html#uv_threadpool_sizesize
 */
process.env.UV_THREADPOOL_SIZE ??= '16'

export {}
