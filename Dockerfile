# The management node. Data lives in /var/lib/cloudmgr; nothing is fetched at run time.
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /srv/cloudmgr

COPY pyproject.toml constraints.txt README.md ./
COPY catalog ./catalog
COPY cloudmgr ./cloudmgr
COPY simulator ./simulator
RUN pip install -c constraints.txt .

RUN useradd --system --user-group --home-dir /var/lib/cloudmgr --create-home cloudmgr
USER cloudmgr
VOLUME /var/lib/cloudmgr
ENV CLOUDMGR_DATA_DIR=/var/lib/cloudmgr

EXPOSE 8000
CMD ["cloudmgr", "serve", "--host", "0.0.0.0", "--port", "8000"]
