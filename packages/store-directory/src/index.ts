export { type DirectoryStore, openDirectoryStore } from './store.ts'
