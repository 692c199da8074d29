/*
 * What a Pi's kernel has and this machine's may not, for one process and its children (LD_PRELOAD): buffers that
 * libcamera and picamera2 can share, and the controls of an IMX500. Everything else is the real kernel's.
 *
 * In the directory that EYESPOT_CAMERA_RIG names:
 *   kernel.log   a line for each network and each region of interest that was set
 *   networks/X/  what the camera tells with a network, X being the CRC-32 of its file (8 hex digits); `tensors`
 *                becomes a link to the one that is loaded, and libcamera serves from there
 *   streaming    the process that streams (libcamera's doing); no network can be set meanwhile
 *   ebusy        the test's wish that none can be set
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROI = 0x00982900, NETWORK = 0x00982901, DEVICE_ID = 0x00982902 };

static const char sensor[] = "/dev/v4l-subdev";

static const char *rig_path(char *path, const char *name)
{
	const char *dir = getenv("EYESPOT_CAMERA_RIG");

	snprintf(path, PATH_MAX, "%s/%s", dir ? dir : "/nonexistent", name);
	return path;
}

static int rig_has(const char *name)
{
	char path[PATH_MAX];

	return access(rig_path(path, name), F_OK) == 0;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char path[PATH_MAX], line[2 * PATH_MAX];
	int length, fd = open(rig_path(path, "kernel.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	va_list arguments;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (fd >= 0 && write(fd, line, length) != length)
		perror("kernel.log");
	close(fd);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static int is_ours(const char *path)
{
	return strncmp(path, sensor, strlen(sensor)) == 0 ||
	       ((strcmp(path, "/dev/udmabuf") == 0 || strcmp(path, "/dev/dma_heap/linux,cma") == 0) &&
		access(path, F_OK) != 0);
}

static int open_as(const char *symbol, const char *path, int flags, mode_t mode)
{
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, symbol);

	return path && is_ours(path) ? memfd_create(path, flags & O_CLOEXEC ? MFD_CLOEXEC : 0) : real(path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return open_as("open64", path, flags, mode);
}

/* --- buffers ---------------------------------------------------------------------------------------------------- */

static int allocate(struct dma_heap_allocation_data *wanted)
{
	int fd = memfd_create("dma-heap", wanted->fd_flags & O_CLOEXEC ? MFD_CLOEXEC : 0);

	if (fd < 0 || ftruncate(fd, wanted->len))
		return -1;
	wanted->fd = fd;
	return 0;
}

/* --- the sensor ------------------------------------------------------------------------------------------------- */

static int is_sensor(int fd)
{
	char link[64], target[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 && strstr(target, sensor);
}

static unsigned crc32(const unsigned char *data, size_t size)
{
	unsigned crc = ~0U;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

static size_t big_endian(const unsigned char *data)
{
	return (size_t)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
}

/* Bytes of the blocks from the beginning on whose magic and length are right. */
static size_t in_blocks(const unsigned char *data, size_t size)
{
	size_t at = 0, length;

	while (at + 64 <= size && memcmp(data + at, "9464", 4) == 0) {
		length = big_endian(data + at + 4) + 64;
		if (at + length > size || memcmp(data + at + length - 4, "3695", 4))
			break;
		at += length;
	}
	return at;
}

static void serve(const char *network)
{
	char link[PATH_MAX];

	unlink(rig_path(link, "tensors"));
	if (network && symlink(network, link))
		perror("tensors");
}

static int load(int fd)
{
	char link[64], network[64], name[PATH_MAX] = "";
	unsigned char *data;
	struct stat file;

	if (fstat(fd, &file))
		return -1;
	data = file.st_size ? mmap(NULL, file.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (data == MAP_FAILED)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, name, sizeof(name) - 1) < 0)
		return -1;
	snprintf(network, sizeof(network), "networks/%08x", crc32(data, file.st_size));
	say("%s bytes %zu blocks %zu %s\n", network, (size_t)file.st_size, in_blocks(data, file.st_size), name);
	serve(network);
	if (data)
		munmap(data, file.st_size);
	return 0;
}

static int streams(void)
{
	char path[PATH_MAX];
	FILE *file = fopen(rig_path(path, "streaming"), "re");
	int process, told = file && fscanf(file, "%d", &process) == 1;

	if (file)
		fclose(file);
	return told && kill(process, 0) == 0;
}

static int set_network(int fd)
{
	if (streams() || rig_has("ebusy")) {
		say("busy\n");
		errno = EBUSY;
		return -1;
	}
	if (fd >= 0 && fd != INT_MAX)
		return load(fd);
	if (fd == INT_MAX) {
		say("cleared\n");
		serve(NULL);
	}
	return 0;
}

static int extended(struct v4l2_ext_controls *list, int set)
{
	struct v4l2_ext_control *wanted = list->controls;
	static const unsigned id[4] = { 0xe7e57007, 1, 2, 3 };

	if (list->count == 1 && set && wanted->id == ROI)
		say("roi %u %u %u %u\n", wanted->p_u32[0], wanted->p_u32[1], wanted->p_u32[2], wanted->p_u32[3]);
	else if (list->count == 1 && !set && wanted->id == DEVICE_ID)
		memcpy(wanted->p_u32, id, sizeof(id));
	else
		return errno = EINVAL, -1;
	return 0;
}

static int control(struct v4l2_control *wanted)
{
	return wanted->id == NETWORK ? set_network(wanted->value) : (errno = EINVAL, -1);
}

/* --- all calls -------------------------------------------------------------------------------------------------- */

static int answer(int fd, unsigned request, void *argument)
{
	switch (request) {
	case UDMABUF_CREATE:
		return fcntl(((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 0);
	case DMA_HEAP_IOCTL_ALLOC:
		return allocate(argument);
	case DMA_BUF_IOCTL_SYNC:
	case (unsigned)DMA_BUF_SET_NAME_A:
	case (unsigned)DMA_BUF_SET_NAME_B:
		return 0;
	}
	if (is_sensor(fd)) {
		switch (request) {
		case VIDIOC_S_CTRL:
			return control(argument);
		case VIDIOC_S_EXT_CTRLS:
			return extended(argument, 1);
		case VIDIOC_G_EXT_CTRLS:
			return extended(argument, 0);
		}
	}
	errno = ENOTTY;
	return -1;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	void *argument;
	va_list arguments;
	int result;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	result = real(fd, request, argument);
	return result == -1 && errno == ENOTTY ? answer(fd, request, argument) : result;
}
